Object.defineProperty(exports, '__esModule', { value: true });
exports.default = async (job) => ({ from: 'compiled', id: job.id });
