"""Who waits, who costs, who is asked about twice: what labeling spends on each group. Begin with `of_batch`."""
