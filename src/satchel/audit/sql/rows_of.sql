-- Whole versions of some rows. $ids: a relation with their ids.
SELECT $key AS _satchel_id, packet."no" AS _satchel_no, $columns, part._change AS _change
FROM $source AS part
JOIN _satchel_ledger AS packet ON packet.origin = part._change.origin AND packet.seq = part._change.seq
JOIN $ids AS wanted ON wanted.id = $key
WHERE $subset
