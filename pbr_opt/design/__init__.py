"""What the Department chooses: objectives, limits, the problem they make, and how it is solved with proof."""
