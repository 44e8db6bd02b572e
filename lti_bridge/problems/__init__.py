"""Current problems: noted as they happen, or found from rows when a page or alert needs them."""
