"""In the vehicle: frames from sources or the simulated city, buffered and uploaded."""
