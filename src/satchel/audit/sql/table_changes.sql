-- Every version of every row of one table, with its `_change` as columns.
-- $columns: the table's own; $parts: the Parquet files of its verified packets.
SELECT
    $columns,
    part._change.origin AS _origin,
    part._change.seq AS _seq,
    part._change.op AS _op,
    part._change."at" AT TIME ZONE 'UTC' AS _at,
    part._change."by" AS _by,
    part._change.stamp AS _stamp,
    part._change."columns" AS _columns,
    part._change.lineage AS _lineage,
    part._change.context AS _context,
    part._change.gid AS _gid,
    part._change.misfit AS _misfit
FROM $parts AS part
