"""What is agreed of data as such: how long it is kept, of what kind it is."""
