"""Label pictures with a classifier that was kept."""

from pathlib import Path

from ssl_irmae._support.compute import find_device
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae.datasets.image_set import ImageSet, require_pictures
from ssl_irmae.datasets.reading import count
from ssl_irmae.datasets.registry import Dataset, load_images
from ssl_irmae.networks.own import Pair
from ssl_irmae.protocols.labelling.classifier import Classifier
from ssl_irmae.protocols.labelling.predictions import Predictions, check_table

_DARK = 16  # of 255: where no scale is known, pictures as dark are stretched


def predict(
    classifier: str | Path,
    dataset: Dataset,
    *,
    out: str | Path | None = None,
    network: Pair | None = None,
    device: str = "auto",
    strict: bool = False,
    data_dir: str | Path | None = None,
    progress: Listener = silent,
) -> Predictions:
    """Predict the labels of pictures with a kept classifier.

    Pixels become 8 bits as those that it learned from did, so that a label does not depend on the pictures beside it.

    Args:
        classifier: The folder ``classifier`` that ``classify`` wrote.
        dataset: A path to pictures, a name, or arrays, as in ``load_images``; labels among them play no part.
        out: The .csv to write, with columns path, label, confidence and second, in the order of the pictures; None
            writes nothing. A table of earlier predictions is overwritten, and nothing else.
        network: The function that returns the classifier's networks, if they are one's own.
        device: Where networks run, ``"auto"`` or a device that torch knows.
        strict: Whether to stop if anything was left out or changed when the pictures were read.
        data_dir: Folder of the named data sets.
        progress: Called with ``Message`` events that say what was read, and ``Fetched`` ones while files are fetched.

    Raises:
        UserError: If the classifier, the pictures or the file to write cannot be used, or pictures are brighter than
            white was where the classifier learned.
    """
    if out is not None:
        check_table(Path(out), dataset)
    kept = Classifier.load(classifier, find_device(device), network=network)
    images = load_images(
        dataset,
        data_dir=data_dir,
        image_size=kept.image_size,
        labelled=False,
        like=kept.scale,
        strict=strict,
        progress=progress,
    )
    require_pictures(images)
    _report(images, kept, progress)
    predictions = Predictions.of(kept, images)
    _compare(predictions, kept, progress)
    if out is not None:
        predictions.write_csv(Path(out))
    return predictions


def _report(images: ImageSet, classifier: Classifier, progress: Listener) -> None:
    """Say what of the pictures plays no part, where pixels may have another scale, and where they are all dark."""
    scale = classifier.scale
    changed = [] if images.reading is None else list(images.reading.changed)
    learned = list(classifier.card.get("changed", []))
    if changed != learned and (scale is None or scale != images.scale):
        how, before = ("; ".join(each) or "not at all" for each in (changed, learned))
        text = (
            f"pixels were changed on reading ({how}) otherwise than those that the classifier learned from ({before})"
        )
        progress(Message(f"{images.name}: {text}: check that both look alike"))
    brightest = int(images.images.max())
    if scale is not None and brightest <= _DARK:
        text = f"by the scale of the classifier white is 255, and the brightest pixel of these pictures is {brightest}"
        progress(Message(f"{images.name}: {text}: check that both are scaled alike"))
    if images.images.shape[1] > classifier.channels:
        progress(Message(f"{images.name}: colour is read as grey, as the classifier learned it"))
    if images.images.shape[1] < classifier.channels:
        progress(Message(f"{images.name}: all pictures are grey, and the classifier learned from colour: check some"))
    if len(images.labelled):
        progress(Message(f"{images.name}: {count(len(images.labelled), 'label')} among the data ignored"))


def _compare(predictions: Predictions, classifier: Classifier, progress: Listener) -> None:
    """Say where the confidence is lower than the error that was expected when the classifier was made."""
    expected = classifier.card.get("expected_error")
    high = expected.get("high") if isinstance(expected, dict) else None  # a card may hold anything
    doubt = predictions.doubt
    if isinstance(high, float) and doubt is not None and doubt > high:
        progress(
            Message(
                f"by their confidence about {doubt:.0f} % of these labels are wrong, and at most {high:.0f} % were "
                "expected when the classifier was made: these pictures may be harder, or of another kind"
            )
        )
