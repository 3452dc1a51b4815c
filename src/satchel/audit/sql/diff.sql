-- What is different between two states of one table.
-- $before, $after: what they show, with `_satchel_id`; $plain_..., $special_...: what they are made of; $key: the key as
-- JSON; $cells: every value as JSON, in order of $names; $row: the row of these as a JSON object.
WITH differing AS (
    SELECT id
    FROM (FROM $plain_before WHERE NOT gone) AS one
    FULL JOIN (FROM $plain_after WHERE NOT gone) AS two USING (id)
    WHERE one."no" IS DISTINCT FROM two."no"
    UNION
    SELECT _satchel_id FROM $special_before
    UNION
    SELECT _satchel_id FROM $special_after
),
side AS (
    SELECT false AS later, part._satchel_id AS id, $key AS key, part._change.gid AS gid, $cells AS cells
    FROM ($before) AS part SEMI JOIN differing ON differing.id = part._satchel_id
    UNION ALL
    SELECT true AS later, part._satchel_id AS id, $key AS key, part._change.gid AS gid, $cells AS cells
    FROM ($after) AS part SEMI JOIN differing ON differing.id = part._satchel_id
),
pair AS (
    SELECT
        CASE WHEN one.id IS NULL THEN 'inserted' WHEN two.id IS NULL THEN 'deleted' ELSE 'updated' END AS what,
        coalesce(two.key, one.key) AS key,
        CASE WHEN one.id IS NOT NULL AND two.id IS NOT NULL
            THEN list_filter($names, lambda name, place: name <> '' AND one.cells[place] IS DISTINCT FROM two.cells[place]) END AS "columns",
        one.cells AS old,
        two.cells AS new,
        coalesce(two.gid, one.gid) AS gid
    FROM (FROM side WHERE NOT later) AS one FULL JOIN (FROM side WHERE later) AS two ON one.id = two.id
)
SELECT what, key, "columns", $row_before AS before, $row_after AS after, gid
FROM pair
WHERE what <> 'updated' OR len("columns") > 0
