import { Queue, Worker } from 'millrace';

const mails = new Queue('mails'); // kept in ./.millrace/millrace.db
const worker = new Worker('mails', async (job) => {
  console.log(`sending ${job.name} to ${job.data.to}`);
  return { sent: true };
});
const job = await mails.add('welcome', { to: 'ada@example.com' }, { attempts: 3 });
console.log(await job.result()); // { sent: true }
await worker.close();
await mails.close();
