"""What the pages show: numbers drawn from the rows and never written back, one file a subject."""
