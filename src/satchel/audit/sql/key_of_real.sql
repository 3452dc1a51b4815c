-- 1 and 1.0 are one key, and so are 0 and -0.0.
CREATE TEMP MACRO _satchel_key_of_real(number) AS
CASE
    WHEN isfinite(number) AND number = trunc(number) AND abs(number) < 1e19 THEN 'n' || number::HUGEINT::VARCHAR
    ELSE 'n' || number::VARCHAR
END
