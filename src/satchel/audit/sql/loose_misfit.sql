-- The same of a value that its column's type cannot hold.
CREATE TEMP MACRO _satchel_loose_misfit(misfit) AS
CASE
    WHEN misfit."class" = 'blob' THEN 'x' || hex(misfit."value")
    ELSE coalesce(_satchel_loose(TRY(decode(misfit."value"))), 'x' || hex(misfit."value"))
END
