"""The report of a period: what the packets say was changed, by whom, and what of it can be relied on."""
