"""The signed-in web console for owners of the bridge and admins of LMSs."""
