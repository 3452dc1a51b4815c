-- The versions of one table that are asked about, each with its rank: stamps decide, then the packet's number.
-- $key: a text that is equal for equal keys, the gid where each database hands out its own numbers; $source: the rows
-- of its packets; $subset: which of them; `odd`: it has a context of its own in place of the packet's.
CREATE OR REPLACE TEMP TABLE _satchel_version AS
SELECT
    $key AS id,
    packet."no" AS "no",
    part._change.stamp::HUGEINT * 4294967296 + packet."no" AS rank,
    part._change.op = 'delete' AS gone,
    part._change.context IS NOT NULL AS odd
FROM $source AS part
JOIN _satchel_ledger AS packet ON packet.origin = part._change.origin AND packet.seq = part._change.seq
WHERE $subset
