"""Users of the console: owners of the bridge, and admins of its LMSs."""
