-- The versions of one table in the long form that all tables share.
-- $table: its name; $row: the whole row as a JSON object; $key: the key as a JSON list, of a table whose numbers each
-- database hands out the author's own number: such a row is known by its gid.
SELECT
    $table AS table_name,
    $key AS key,
    part._change.origin AS origin,
    part._change.seq AS seq,
    part._change.op AS op,
    part._change."at" AT TIME ZONE 'UTC' AS "at",
    part._change."by" AS "by",
    part._change.stamp AS stamp,
    part._change."columns" AS "columns",
    $row AS "row",
    part._change.gid AS gid
FROM $parts AS part
