"""The console's pages of one learner."""
