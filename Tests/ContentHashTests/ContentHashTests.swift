import ContentHash
import Testing

@Suite struct DigestTests {
    /// FIPS 180-4 test vector.
    @Test func digestOfAbcIsTheStandardVector() {
        let digest = ContentHasher.digest(of: Array("abc".utf8))
        #expect(digest.hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func digestOfNothingIsTheConstant() {
        #expect(ContentHasher.digest(of: []) == Digest.ofNothing)
    }

    @Test func hexRoundTripsAndRejectsOtherText() {
        let digest = ContentHasher.digest(of: [1, 2, 3])
        #expect(Digest(hex: digest.hex) == digest)
        #expect(Digest(hex: digest.hex.uppercased()) == digest)
        #expect(Digest(bytes: digest.bytes) == digest)
        #expect(Digest(hex: String(digest.hex.dropLast())) == nil)
        #expect(Digest(hex: "z" + digest.hex.dropFirst()) == nil)
    }

    @Test func piecesGiveTheSameDigestAsTheWhole() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        var hasher = ContentHasher()
        hasher.update(Array(bytes[..<17]))
        hasher.update(Array(bytes[17...]))
        #expect(hasher.finalize() == ContentHasher.digest(of: bytes))
    }
}

@Suite struct CanonicalRecordTests {
    @Test func textsThatRunTogetherDiffer() {
        var first = CanonicalRecord()
        first.append("ab")
        first.append("c")
        var second = CanonicalRecord()
        second.append("a")
        second.append("bc")
        #expect(first.digest != second.digest)
    }

    @Test func kindsOfOneValueDiffer() {
        var records = Set<[UInt8]>()
        for append in [
            { (record: inout CanonicalRecord) in record.append(Int64(1)) },
            { $0.append(1.0) }, { $0.append("1") }, { $0.append(true) }, { $0.appendNull() },
            { $0.beginList(count: 1) }, { $0.beginMap(count: 1) },
        ] {
            var record = CanonicalRecord()
            append(&record)
            records.insert(record.bytes)
        }
        #expect(records.count == 7)
    }

    @Test func negativeZeroEqualsZero() {
        var negative = CanonicalRecord()
        negative.append(-0.0)
        var positive = CanonicalRecord()
        positive.append(0.0)
        #expect(negative.bytes == positive.bytes)
    }
}
