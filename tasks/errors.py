"""What can be wrong with data; light, so that the command line can name it."""


class DataError(ValueError):
    """Data that are missing, damaged or of another format; the message names file and way out."""


class BrokenImageError(DataError):
    """An image file that can't be decoded."""


class BrokenAnnotationError(DataError):
    """What is annotated of one image can't be read, or can't be true."""
