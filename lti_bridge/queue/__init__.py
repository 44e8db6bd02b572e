"""The door to the task queue: huey, on SQLite, PostgreSQL or Redis."""
