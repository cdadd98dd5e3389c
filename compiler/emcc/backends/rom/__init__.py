"""ROM images, the boot image, and the file formats that simulators and vendors' tools read them from."""

from emcc.backends.rom.boot_layout import BootLayout
from emcc.backends.rom.core_images import core_images, images_of
from emcc.backends.rom.formats import FORMATS, parse, render
from emcc.backends.rom.image import RomImage

__all__ = ["FORMATS", "BootLayout", "RomImage", "core_images", "images_of", "parse", "render"]
