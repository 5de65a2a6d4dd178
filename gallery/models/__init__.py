"""Tables of the gallery; Django finds them here."""

from gallery.models.generation import Generation
from gallery.models.image import Image
from gallery.models.post import Post
from gallery.models.prompt_word import PromptWord
from gallery.models.reaction import Reaction
from gallery.models.resource import ImageResource

__all__ = ["Generation", "Image", "ImageResource", "Post", "PromptWord", "Reaction"]
