-- The rows of one table as they are now: of the versions that no other known version of the row has seen (PROTOCOL,
-- Apply 1), the one with the newest stamp; nothing where that one is a delete.
-- $key: a text that is equal for equal keys, the gid where each database hands out its own numbers; $columns: the
-- table's own; $parts: its Parquet files.
WITH version AS MATERIALIZED (
    SELECT
        $key AS id,
        part._change.origin AS origin,
        part._change.seq AS seq,
        part._change.stamp AS stamp,
        part._change.op AS op,
        part._change.context AS context
    FROM $parts AS part
),
several AS (
    SELECT id FROM version GROUP BY id HAVING count(*) > 1
),
-- A vector only grows, so of each origin's versions of a row the last has seen most.
writer AS (
    SELECT id, origin, max(seq) AS seq
    FROM version SEMI JOIN several USING (id)
    WHERE context IS NULL
    GROUP BY id, origin
),
-- A row context stands in place of the packet's. Nobody has seen what it is about to write.
own_context AS (
    SELECT id, origin, seq, unnest(context) AS saw
    FROM version SEMI JOIN several USING (id)
    WHERE context IS NOT NULL
),
seen AS (
    SELECT writer.id, context.saw_origin AS origin, context.saw_seq AS seq
    FROM writer JOIN _satchel_contexts AS context ON context.origin = writer.origin AND context.seq = writer.seq
    UNION ALL
    SELECT id, saw.origin, CASE WHEN saw.origin = origin THEN least(saw.seq, seq - 1) ELSE saw.seq END
    FROM own_context
),
furthest AS (
    SELECT id, origin, max(seq) AS seq FROM seen GROUP BY id, origin
),
newest AS (
    SELECT version.id, version.origin, version.seq, version.op
    FROM version LEFT JOIN furthest ON furthest.id = version.id AND furthest.origin = version.origin
    WHERE furthest.seq IS NULL OR furthest.seq < version.seq
    QUALIFY row_number() OVER (
        PARTITION BY version.id
        ORDER BY version.stamp DESC, regexp_extract(version.origin, '^[^.~]*') DESC, version.origin DESC, version.seq DESC
    ) = 1
)
SELECT $columns
FROM $parts AS part
JOIN newest ON newest.id = $key AND newest.origin = part._change.origin AND newest.seq = part._change.seq
WHERE newest.op <> 'delete'
