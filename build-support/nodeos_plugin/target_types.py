"""The four things this plugin can build."""

from __future__ import annotations

from pants.core.goals.package import OutputPathField
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    Dependencies,
    SingleSourceField,
    SpecialCasedDependencies,
    StringField,
    Target,
)


class ArchitectureField(StringField):
    alias = "architecture"
    help = "The processor that the result is for, in Debian's words."
    valid_choices = ("amd64", "arm64")
    default = "amd64"
    value: str


class DebianLockField(SingleSourceField):
    alias = "lock"
    required = True
    help = "The lock of Debian packages: names, versions, pool paths, sizes and hashes."


class DebianRootfsTarget(Target):
    alias = "debian_rootfs"
    core_fields = (*COMMON_TARGET_FIELDS, DebianLockField, ArchitectureField, OutputPathField)
    help = "A root file system of hash-locked Debian packages, without a shell or a package manager."


class ManifestField(StringField):
    alias = "manifest"
    required = True
    help = "The manifest beside this BUILD file."
    valid_choices = ("tier.toml", "service.toml")
    value: str


class EntryPointField(StringField):
    alias = "entry_point"
    required = True
    help = "What the image starts, as `module:function`."
    value: str


class NodeSourcesField(Dependencies):
    help = "The composition root; all that it reaches goes into the image."


class SharedField(SpecialCasedDependencies):
    alias = "shared"
    required = True
    help = "The packages that every image carries; what they need makes the layer that all images share."


class BaseField(StringField):
    alias = "base"
    required = True
    help = "The address of the `debian_rootfs` that is the lowest layer."
    value: str


class ImageLayersTarget(Target):
    alias = "image_layers"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        ManifestField,
        EntryPointField,
        NodeSourcesField,
        SharedField,
        BaseField,
        ArchitectureField,
        OutputPathField,
    )
    help = "The four layers of an image as canonical tars, and a description of them."


class LayersField(StringField):
    alias = "layers"
    required = True
    help = "The address of the `image_layers` that the archive is made of."
    value: str


class NodeArchiveTarget(Target):
    alias = "node_archive"
    core_fields = (*COMMON_TARGET_FIELDS, LayersField, OutputPathField)
    help = "An image as a compressed archive for `docker load`, with its checksum and metadata. Needs no engine."


class ArchivesField(SpecialCasedDependencies):
    alias = "archives"
    required = True
    help = "The `node_archive` targets that a release consists of."


class PublisherField(StringField):
    alias = "publisher"
    required = True
    help = "The address of the program that is run with the archives' paths."
    value: str


class ReleaseTarget(Target):
    alias = "release"
    core_fields = (*COMMON_TARGET_FIELDS, ArchivesField, PublisherField)
    help = "Run it, and the archives are built and handed to the publisher."
