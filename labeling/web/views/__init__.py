"""Pages of projects, batches, tasks and the crowd, one file a noun: load, check, show."""
