"""The console's pages of current problems and refused launches."""
