"""The simulated city: streets, things, camera, GNSS noise; exact truth beside each frame."""
