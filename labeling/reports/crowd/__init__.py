"""The crowd page: how right each voter is and who errs with whom. Begin with `voters`."""
