"""The task queue: huey, on SQLite, PostgreSQL or Redis."""
