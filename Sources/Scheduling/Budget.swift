/// What all running tasks together may use.
struct Budget {
    let total: WorkGraph.Resources
    private(set) var free: WorkGraph.Resources
    private var running = 0
    private let jobs: Int

    init(cores: Int, memoryBytes: Int64, gpus: Int, jobs: Int) {
        total = WorkGraph.Resources(cores: max(1, cores), memoryBytes: memoryBytes, gpus: gpus)
        free = total
        self.jobs = max(1, jobs)
    }

    /// What a task is given: what it asks for, but no more than there is, so that a large task runs alone instead of never.
    /// A GPU cannot be given in part: nil where there are fewer than asked for.
    func grant(_ wish: WorkGraph.Resources) -> WorkGraph.Resources? {
        guard wish.gpus <= total.gpus else { return nil }
        var grant = wish
        grant.cores = min(max(1, wish.cores), total.cores)
        grant.memoryBytes = min(max(0, wish.memoryBytes), total.memoryBytes)
        return grant
    }

    func fits(_ grant: WorkGraph.Resources) -> Bool {
        running < jobs && grant.cores <= free.cores && grant.memoryBytes <= free.memoryBytes && grant.gpus <= free.gpus
    }

    mutating func take(_ grant: WorkGraph.Resources) {
        precondition(fits(grant), "A task was started beyond the budget.")
        running += 1
        free.cores -= grant.cores
        free.memoryBytes -= grant.memoryBytes
        free.gpus -= grant.gpus
    }

    mutating func giveBack(_ grant: WorkGraph.Resources) {
        running -= 1
        free.cores += grant.cores
        free.memoryBytes += grant.memoryBytes
        free.gpus += grant.gpus
    }
}
