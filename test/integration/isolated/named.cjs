exports.processor = async (job) => ({ from: 'named', id: job.id });
