"""CelebA faces, read through torchvision from files that the user has put in place."""

from pathlib import Path

import torch

from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.errors import UserError


def load(split: Split, data_dir: Path) -> ImageSet:
    """Load one split, centre-cropped to 148 and resized to 64 pixels, as the public IRMAE code does.

    Faces have no classes. The training split takes 2 GB of memory.

    Source: Liu, Luo, Wang and Tang, "Deep Learning Face Attributes in the Wild", ICCV 2015.

    Raises:
        UserError: If torchvision finds no complete CelebA in ``data_dir``; its licence forbids fetching it here.
    """
    import torchvision
    from torchvision.transforms.v2 import functional as transforms

    try:
        faces = torchvision.datasets.CelebA(str(data_dir), split=split, target_type="attr", download=False)
    except (RuntimeError, OSError) as error:
        raise UserError(
            f"celeba is not in place in {data_dir / 'celeba'}: put img_align_celeba/ and the list_*.txt and "
            "identity_CelebA.txt files there, as torchvision.datasets.CelebA lays them out"
        ) from error
    images = torch.empty(len(faces), 3, 64, 64, dtype=torch.uint8)
    for i in range(len(faces)):
        face, _ = faces[i]
        pixels = transforms.pil_to_tensor(face)
        images[i] = transforms.resize(transforms.center_crop(pixels, [148, 148]), [64, 64], antialias=True)
    return ImageSet(name="celeba", images=images)
