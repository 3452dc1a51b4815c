-- Every version of one row, oldest first, and what became of it.
-- $id: the row; $hint: what statistics say of it; $outcomes: of each version what became of it.
SELECT
    $columns,
    part._change.origin AS _origin,
    part._change.seq AS _seq,
    part._change.op AS _op,
    part._change."at" AT TIME ZONE 'UTC' AS _at,
    part._change."by" AS _by,
    part._change."columns" AS _columns,
    outcome.outcome AS _outcome,
    part._change.gid AS _gid,
    part._change.misfit AS _misfit
FROM $parts AS part
JOIN $outcomes AS outcome ON outcome.origin = part._change.origin AND outcome.seq = part._change.seq
WHERE $hint AND $key = $id
ORDER BY part._change.stamp, part._change.origin, part._change.seq
