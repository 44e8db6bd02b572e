"""Whatever is wrong right now: noted as it happens, and found from rows when somebody asks."""
