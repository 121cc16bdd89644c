"""Task ``imagenet``: ILSVRC2012 in each of the layouts in which it lies on disks."""
