"""Pascal VOC 2012's segmentation as a task, and its stand-in of digits."""
