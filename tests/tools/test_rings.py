"""The descriptor of the guest's rings is checked before it is believed."""

import unittest

import support  # noqa: F401 the path to the driver
import rings


def descriptor(magic=rings.MAGIC, version=rings.VERSION, nr_cpus=1, memory=0x200000,
               subbufs=8) -> bytes:
    head = rings.HEAD.pack(magic, version, nr_cpus, rings.SUBBUF_SIZE, 0)
    places = rings.PLACE.pack(memory, 0, subbufs, 0)
    return (head + places).ljust(rings.DESCRIPTOR_SIZE, b"\0")


class RingsTest(unittest.TestCase):

    def test_places(self):
        self.assertEqual(rings.parse(descriptor()), [rings.Place(0x200000, 8)])
        self.assertEqual(rings.parse(descriptor(nr_cpus=0)), [])

    def test_what_cannot_be(self):
        for message, bad in (("its magic is 0x1 and should be 0x", descriptor(magic=1)),
                             ("version 2, 1 CPUs", descriptor(version=2)),
                             ("version 1, 17 CPUs", descriptor(nr_cpus=17)),
                             ("CPU 0 has 65 sub-buffers", descriptor(subbufs=65)),
                             ("CPU 0 has 0 sub-buffers", descriptor(subbufs=0)),
                             ("at 0x200001", descriptor(memory=0x200001)),
                             ("at 0x10000000000", descriptor(memory=1 << 40))):
            with self.subTest(message), self.assertRaisesRegex(rings.RingsError, message):
                rings.parse(bad)


if __name__ == "__main__":
    unittest.main()
