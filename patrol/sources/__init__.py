"""Where frames come from: photographs and videos with positions."""
