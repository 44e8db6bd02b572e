"""The people beside learners: owners of the bridge, and admins of its LMSs."""
