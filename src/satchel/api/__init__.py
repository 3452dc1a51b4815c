"""What a Python program uses: `satchel.open` and what it returns. Joins runs and audit."""
