"""Five badges for every asset of a system: whether records bear out that it is versioned, tested, observable, governable and improved."""
