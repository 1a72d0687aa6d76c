"""What reports tell of each kind of answers: which numbers, under which names. Begin with `base`; found by the kind's name."""
