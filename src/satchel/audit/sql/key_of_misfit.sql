-- A key that its column's type cannot hold, as the text that `expressions.key_part` makes of the others.
CREATE TEMP MACRO _satchel_key_of_misfit(misfit) AS
CASE misfit."class"
    WHEN 'integer' THEN 'n' || decode(misfit."value")
    WHEN 'real' THEN _satchel_key_of_real(decode(misfit."value")::DOUBLE)
    WHEN 'text' THEN coalesce('t' || TRY(decode(misfit."value")), 'u' || misfit."value"::VARCHAR)
    WHEN 'blob' THEN 'b' || hex(misfit."value")
END
