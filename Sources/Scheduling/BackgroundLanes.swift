internal import ContentHash
internal import Dispatch
internal import Synchronization

/// Slow work beside the engine's thread: publishing outputs and hashing source files.
///
/// A publishing lane takes everything that waits as one batch, so that the faster tasks finish, the more of them share one
/// round of fsync. With no lanes the work is done at once by the caller, as tests want it.
final class BackgroundLanes: Sendable {
    struct PublishWork: Sendable {
        var publication: Publication
        var task: Int
        var lock: any KeyLock
        var workFolder: String
        /// To be removed once the outputs are recorded; nil where there is none.
        var checkpointFolder: String?
        /// What the task's last run gave.
        var previousOutputs: [StoredFile]
    }

    enum Work: Sendable {
        case publish(PublishWork)
        /// Keeps the record of a failure, clears up and lets the key go; ends with `cleared`.
        case fail(PublishWork)
        case hash(source: Int, path: String)
    }

    enum Done: Sendable {
        case published(PublishWork, Result<[StoredFile], any Error>)
        case cleared(task: Int, error: (any Error)?)
        case hashed(source: Int, Result<Digest, any Error>)
    }

    private struct State {
        var publishing: [PublishWork] = []
        var failing: [PublishWork] = []
        var hashing: [(Int, String)] = []
        var activePublishing = 0
        var activeHashing = 0
        var done: [Done] = []
    }

    private let state = Mutex(State())
    private let store: any ActionStore
    private let sources: any SourceDigests
    private let publishLanes: Int
    private let hashLanes: Int
    private let wake: @Sendable () -> Void

    init(
        store: any ActionStore, sources: any SourceDigests, publishLanes: Int, hashLanes: Int,
        wake: @escaping @Sendable () -> Void
    ) {
        self.store = store
        self.sources = sources
        self.publishLanes = publishLanes
        self.hashLanes = hashLanes
        self.wake = wake
    }

    func submit(_ work: Work) {
        let (publish, hash) = state.withLock { state in
            switch work {
            case .publish(let work): state.publishing.append(work)
            case .fail(let work): state.failing.append(work)
            case .hash(let source, let path): state.hashing.append((source, path))
            }
            guard publishLanes > 0 else { return (true, true) }
            let publish =
                !(state.publishing.isEmpty && state.failing.isEmpty) && state.activePublishing < publishLanes
            let hash = !state.hashing.isEmpty && state.activeHashing < hashLanes
            if publish { state.activePublishing += 1 }
            if hash { state.activeHashing += 1 }
            return (publish, hash)
        }
        if publishLanes == 0 {
            drainPublishing()
            drainHashing()
            return
        }
        if publish { DispatchQueue.global().async { self.drainPublishing() } }
        if hash { DispatchQueue.global().async { self.drainHashing() } }
    }

    /// What is done since the last call, in the order it was done.
    func collect() -> [Done] {
        state.withLock { state in
            let done = state.done
            state.done = []
            return done
        }
    }

    private func drainPublishing() {
        while true {
            let (batch, failures) = state.withLock { state in
                let work = (state.publishing, state.failing)
                state.publishing = []
                state.failing = []
                if work.0.isEmpty && work.1.isEmpty { state.activePublishing -= 1 }
                return work
            }
            if batch.isEmpty && failures.isEmpty { return }
            if !batch.isEmpty {
                let results = store.publish(batch.map(\.publication))
                for (work, result) in zip(batch, results) {
                    // Before the lock goes: another run may take the key up at once.
                    if let folder = work.checkpointFolder, case .success = result { store.removeCheckpoints(folder) }
                    work.lock.release()
                    finish(.published(work, result))
                }
                // Downstream tasks need not wait for the clearing up.
                wake()
                for work in batch { store.removeWorkFolder(work.workFolder) }
            }
            for work in failures {
                let result = Result { try store.recordFailure(work.publication.record) }
                work.lock.release()
                store.removeWorkFolder(work.workFolder)
                if case .failure(let error) = result {
                    finish(.cleared(task: work.task, error: error))
                } else {
                    finish(.cleared(task: work.task, error: nil))
                }
                wake()
            }
        }
    }

    private func drainHashing() {
        while true {
            let next = state.withLock { state -> (Int, String)? in
                if state.hashing.isEmpty {
                    state.activeHashing -= 1
                    return nil
                }
                return state.hashing.removeFirst()
            }
            guard let (source, path) = next else { return }
            finish(.hashed(source: source, Result { try sources.hash(path) }))
            wake()
        }
    }

    private func finish(_ done: Done) {
        state.withLock { $0.done.append(done) }
    }
}
