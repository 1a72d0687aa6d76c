"""What reports tell of each kind of answers: which numbers, under which names; found by the kind's name. See `base`."""
