"""Who answers after the crowd: how good, how fast, what became of it, and why they differ. Begin with `work`."""
