"""What agents do: best responses, and certificates that nobody would rather do something else."""
