-- The version of each row with the highest rank, in one pass: stamps decide, then the packet's number. `several`: it has
-- not seen all others, so that the row is looked at by itself.
-- $key: a text that is equal for equal keys, the gid where each database hands out its own numbers; $source: the rows
-- of its packets; $subset: which of them; $furthest: of each origin in its place the last packet that wrote the row;
-- $seen: whether the last of each was seen, or is the version itself.
CREATE OR REPLACE TEMP TABLE _satchel_top AS
SELECT top.id AS id, top."no" AS "no", top.gone AS gone, top.versions > 1 AND (top.odd OR NOT ($seen)) AS several
FROM (
    SELECT *, (best // 2) % 4294967296 AS "no", best % 2 = 1 AS gone
    FROM (
        SELECT
            $key AS id,
            max((part._change.stamp::HUGEINT * 4294967296 + packet."no") * 2 + (part._change.op = 'delete')::INTEGER) AS best,
            count(*) AS versions,
            bool_or(part._change.context IS NOT NULL) AS odd,
            $furthest
        FROM $source AS part
        JOIN _satchel_ledger AS packet
            ON packet.origin = part._change.origin AND packet.seq = part._change.seq
        WHERE $subset
        GROUP BY 1
    )
) AS top
JOIN _satchel_ledger AS upper ON upper."no" = top."no"
