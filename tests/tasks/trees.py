"""Small data sets in the very formats in which the real ones lie on disks."""

import pickle
import pickletools
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy.io import savemat


def cifar_content(per_class: int, seed: int) -> dict[str, Any]:
    """What one of CIFAR100's image files holds, classes shuffled."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(100), per_class)).tolist()
    return {
        "filenames": [f"image_{row}_s_{seed:06}.png" for row in range(len(labels))],
        "batch_label": f"batch {seed}",
        "fine_labels": labels,
        "coarse_labels": [label // 5 for label in labels],
        "data": rng.integers(256, size=(len(labels), 3072), dtype=np.uint8),
    }


_OF_PYTHON_2 = {
    "BINUNICODE": pickle.BINSTRING,
    "BINBYTES": pickle.BINSTRING,
    "SHORT_BINBYTES": pickle.SHORT_BINSTRING,
}
"""Commands of protocol 3, and those of Python 2's that are followed by the same bytes."""


def write_pickle(path: Path, content: Any) -> None:
    """Pickle as Python 2 and numpy 1 did: text and bytes alike are Python 2's strings."""
    raw = bytearray(pickle.dumps(content, protocol=3))
    for command, _, at in pickletools.genops(bytes(raw)):
        if command.name in _OF_PYTHON_2 and at is not None:
            raw[at : at + 1] = _OF_PYTHON_2[command.name]
    raw[1] = 2  # the protocol
    path.write_bytes(raw.replace(b"cnumpy._core.", b"cnumpy.core."))


def cifar_tree(root: Path, per_class: int = 10) -> Path:
    """``cifar-100-python`` under ``root``, which is returned."""
    folder = root / "cifar-100-python"
    folder.mkdir(parents=True)
    names = [f"fine {number}" for number in range(100)]
    coarse = [f"coarse {number}" for number in range(20)]
    write_pickle(folder / "meta", {"fine_label_names": names, "coarse_label_names": coarse})
    write_pickle(folder / "train", cifar_content(per_class, 1))
    write_pickle(folder / "test", cifar_content(2, 2))
    return root


WNIDS = ("n01440764", "n01443537", "n02000000")
IDS = {"n01440764": 490, "n01443537": 3, "n02000000": 65}
"""The devkit's numbers: from 1, in no order of the names."""
PER_CLASS = 10

Files = dict[str, bytes]


def jpeg(seed: int, *, width: int = 48, height: int = 40, mode: str = "RGB") -> bytes:
    """A smooth random JPEG."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(256, size=(4, 5, 3), dtype=np.uint8))
    raw = BytesIO()
    small.resize((width, height), Image.Resampling.BICUBIC).convert(mode).save(raw, "JPEG")
    return raw.getvalue()


def imagenet_files() -> tuple[dict[str, Files], list[tuple[str, str, bytes]]]:
    """Training files of each class, and (file, class, bytes) of validation, by file name."""
    training = {
        wnid: {f"{wnid}_{number}.JPEG": jpeg(1000 * at + number) for number in range(PER_CLASS)}
        for at, wnid in enumerate(WNIDS)
    }
    # Classes alternate, as in the real list.
    validation = [
        (f"ILSVRC2012_val_{number + 1:08}.JPEG", WNIDS[(2 * number) % 3], jpeg(9000 + number))
        for number in range(6)
    ]
    return training, validation


def write_files(folder: Path, files: Files) -> None:
    """Files of one folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, raw in files.items():
        (folder / name).write_bytes(raw)


def write_tar(path: Path, files: Files) -> None:
    """Files of one tar."""
    path.write_bytes(tar_of(files))


def tar_of(files: Files, mode: str = "w:") -> bytes:
    """A tar in memory."""
    raw = BytesIO()
    with tarfile.open(fileobj=raw, mode=mode) as archive:  # type: ignore[call-overload]  # a mode
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return raw.getvalue()


def devkit_files(truth: list[int] | None = None) -> Files:
    """meta.mat (three classes and an inner node) and the list of validation classes."""
    fields = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("num_children", "O")]
    rows = [(number, wnid, f"words of {wnid}", 0) for wnid, number in IDS.items()]
    synsets = np.array([*rows, (1001, "n00000001", "entity", 3)], dtype=fields)
    meta = BytesIO()
    savemat(meta, {"synsets": synsets.reshape(-1, 1)})
    _, validation = imagenet_files()
    numbers = [IDS[wnid] for _, wnid, _ in validation] if truth is None else truth
    return {
        "meta.mat": meta.getvalue(),
        "ILSVRC2012_validation_ground_truth.txt": "".join(f"{n}\n" for n in numbers).encode(),
    }


def imagenet_tree(root: Path, layout: str = "folders") -> Path:
    """The same small data set in one of the layouts; ``root`` is returned."""
    training, validation = imagenet_files()
    flat = {file: raw for file, _, raw in validation}
    place = root / "ILSVRC" / "Data" / "CLS-LOC" if layout == "kaggle" else root
    place.mkdir(parents=True)
    if layout == "tars":
        classes = {f"{wnid}.tar": tar_of(files) for wnid, files in training.items()}
        write_tar(root / "ILSVRC2012_img_train.tar", classes)
        write_tar(root / "ILSVRC2012_img_val.tar", flat)
        kit = {f"ILSVRC2012_devkit_t12/data/{name}": raw for name, raw in devkit_files().items()}
        (root / "ILSVRC2012_devkit_t12.tar.gz").write_bytes(tar_of(kit, "w:gz"))
        return root
    for wnid, files in training.items():
        write_files(place / "train" / wnid, files)
    if layout == "folders":
        for file, wnid, raw in validation:
            write_files(place / "val" / wnid, {file: raw})
        return root
    write_files(place / "val", flat)
    if layout == "flat":
        write_files(root / "ILSVRC2012_devkit_t12" / "data", devkit_files())
    elif layout == "meta.bin":
        names = {wnid: (f"words of {wnid}",) for wnid in WNIDS}
        torch.save((names, [wnid for _, wnid, _ in validation]), root / "meta.bin")
    else:
        assert layout == "kaggle"
        lines = [f"{file[:-5]},{wnid} 1 2 3 4 {wnid} 5 6 7 8" for file, wnid, _ in validation]
        text = "ImageId,PredictionString\n" + "\n".join(reversed(lines)) + "\n"
        (root / "LOC_val_solution.csv").write_text(text)
        (root / "LOC_synset_mapping.txt").write_text("".join(f"{w} words\n" for w in WNIDS))
    return root


LAYOUTS = ("folders", "tars", "flat", "meta.bin", "kaggle")
