import ArtifactStore
import ContentHash
import Foundation
import Scheduling
import Testing

@Suite struct LockTests {
    let folder = ScratchFolder()

    @Test func oneHolderAtATimeAcrossStores() throws {
        let first = try ArtifactStore(path: folder.store)
        let second = try ArtifactStore(path: folder.store)
        let key = digest("k")
        #expect(try !second.isLocked(key))
        let lock = try #require(try first.tryLock(key))
        #expect(try first.tryLock(key) == nil)
        #expect(try second.tryLock(key) == nil)
        #expect(try second.isLocked(key))
        #expect(try second.tryLock(digest("other")) != nil)
        lock.release()
        lock.release()
        let again = try #require(try second.tryLock(key))
        #expect(try first.isLocked(key))
        again.release()
    }

    @Test func lockEndsWithItsStore() throws {
        let second = try ArtifactStore(path: folder.store)
        do {
            let first = try ArtifactStore(path: folder.store)
            _ = try #require(try first.tryLock(digest("k")))
        }
        #expect(try second.tryLock(digest("k")) != nil)
    }

    /// Twenty threads of four stores count under the lock; every count is made alone.
    @Test func lockedWorkIsNeverDoneTwiceAtOnce() throws {
        let stores = try (0..<4).map { _ in try ArtifactStore(path: folder.store) }
        let counter = try folder.write("counter", "0")
        DispatchQueue.concurrentPerform(iterations: 20) { thread in
            let store = stores[thread % 4]
            var done = 0
            while done < 10 {
                guard let lock = (try? store.tryLock(digest("shared"))) ?? nil else {
                    usleep(50)
                    continue
                }
                let value = Int((try? String(contentsOfFile: counter, encoding: .utf8)) ?? "") ?? -1000
                try? String(value + 1).write(toFile: counter, atomically: false, encoding: .utf8)
                done += 1
                lock.release()
            }
        }
        #expect(try String(contentsOfFile: counter, encoding: .utf8) == "200")
    }

    @Test func storesThatPublishAtOnceBothEndRight() throws {
        let stores = try (0..<4).map { _ in try ArtifactStore(path: folder.store) }
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for index in 0..<40 {
                // Half of the actions are everybody's, half are one's own.
                let name = index % 2 == 0 ? "shared\(index)" : "own\(thread)-\(index)"
                do {
                    try stores[thread].publish(makeRecord(name), ["text of " + name])
                } catch {
                    Issue.record(error)
                }
            }
        }
        let names = (0..<40).flatMap { index in
            index % 2 == 0 ? ["shared\(index)"] : (0..<4).map { "own\($0)-\(index)" }
        }
        let fresh = try ArtifactStore(path: folder.store)
        for (name, action) in zip(names, try fresh.actions(for: names.map { digest("key of " + $0) })) {
            #expect(action?.outputs.map(\.digest) == [digest("text of " + name)])
            #expect(action?.missingOutput == nil)
        }
    }
}
