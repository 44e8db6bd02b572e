"""Actions of people on grades: read or send again, change the policy, see the history."""
