-- The view `changes` where there is no table.
SELECT
    NULL::VARCHAR AS table_name,
    NULL::VARCHAR AS key,
    NULL::VARCHAR AS origin,
    NULL::BIGINT AS seq,
    NULL::VARCHAR AS op,
    NULL::TIMESTAMP AS "at",
    NULL::VARCHAR AS "by",
    NULL::BIGINT AS stamp,
    NULL::VARCHAR[] AS "columns",
    NULL::VARCHAR AS "row",
    NULL::VARCHAR AS gid
WHERE false
